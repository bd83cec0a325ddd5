create database if not exists aftershock engine = Atomic
