#!/usr/bin/env python3
"""Writes vectors.json beside itself: texts sealed for the device channel by another implementation than ours.

Needs the package `cryptography` (OpenSSL does the work). Run once, and again when a case is added; the output is the same each time.
"""

import base64
import hashlib
import json
import pathlib

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

REPORT = '{"platform":"android","message":"支付失败 💥","stack":"at a.b.C(C.java:1)","deviceId":"d-1","occurredAt":1763700000000}'


def stream(seed: str, count: int) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(count)


def gcm(name: str, text: bytes, key: bytes, sealer: bytes | None = None) -> dict:
    nonce = stream(name, 12)
    data = AESGCM(sealer or key).encrypt(nonce, text, None)
    return vector(name, "aes-256-gcm", base64.b64encode(key).decode(), base64.b64encode(nonce).decode(), data, text)


def cbc(name: str, text: bytes, secret: str, sealer: str | None = None, padded: bytes | None = None) -> dict:
    by = sealer or secret
    time = format(1763700000000000000 + len(name), "x")
    key = hashlib.sha256(by.encode()).digest()
    iv = hashlib.sha256((hashlib.md5(time.encode()).hexdigest() + by).encode()).digest()[:16]
    if padded is None:
        padder = padding.PKCS7(128).padder()
        padded = padder.update(text) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return vector(name, "aes-256-cbc", secret, time, encryptor.update(padded) + encryptor.finalize(), text)


def vector(name: str, cipher: str, secret: str, time: str, data: bytes, text: bytes) -> dict:
    sent = base64.b64encode(data).decode()
    return {"name": name, "cipher": cipher, "secret": secret, "time": time, "data": sent, "text": text.decode(errors="replace")}


def refused(case: dict, **changed: str) -> dict:
    return {**case, **changed, "text": None}


def spelled(case: dict, name: str, spell) -> dict:
    return {**case, "name": name, "time": spell(case["time"]), "data": spell(case["data"])}


def lines(text: str) -> str:
    return "".join(text[at : at + 76] + "\n" for at in range(0, len(text), 76))


def cut(case: dict, count: int) -> str:
    return base64.b64encode(base64.b64decode(case["data"])[:-count]).decode()


def main() -> None:
    key, other = stream("key", 32), stream("other", 32)
    secret, report = "设备密钥 device secret", REPORT.encode()
    plain, long = gcm("gcm, a report", report, key), json.dumps({"platform": "web", "message": "崩" * 700}, ensure_ascii=False).encode()
    spaced = cbc("cbc, a report", report, secret)
    block = '{"message":"0123456789abcdefghi"}'.ljust(48).encode()
    cases = [plain, gcm("gcm, nothing", b"", key), gcm("gcm, long", long, key), gcm("gcm, no JSON", b"plain words", key)]
    cases += [spelled(plain, "gcm, in lines", lines), spelled(plain, "gcm, unpadded", lambda text: text.rstrip("="))]
    cases += [spelled(plain, "gcm, for URLs", lambda text: text.replace("+", "-").replace("/", "_"))]
    cases += [spelled(plain, "gcm, blanks for plus", lambda text: text.replace("+", " "))]
    cases += [refused(gcm("gcm, wrong key", report, key, other)), refused(plain, name="gcm, cut", data=cut(plain, 1))]
    cases += [refused(plain, name="gcm, short nonce", time=base64.b64encode(b"12345678").decode()), refused(plain, name="gcm, no Base64", data="密")]
    cases += [spaced, cbc("cbc, whole blocks", block, secret), cbc("cbc, long", long, secret), spelled(spaced, "cbc, in lines", lines)]
    cases[-1]["time"] = spaced["time"]
    cases += [refused(cbc("cbc, wrong key", report, secret, "another")), refused(spaced, name="cbc, a block less", data=cut(spaced, 16))]
    cases += [refused(spaced, name="cbc, a byte less", data=cut(spaced, 1)), refused(spaced, name="cbc, another time", time="1")]
    cases += [refused(cbc("cbc, no JSON", b"plain words", secret)), refused(cbc("cbc, nothing", b"", secret))]
    for name, tail in {"zero": b"\0" * 16, "17": b"\x11" * 17, "uneven": b"\x03\x02\x03", "text": b"abc"}.items():
        body = report + b" " * ((-len(report) - len(tail)) % 16)
        cases.append(refused(cbc(f"cbc, padding {name}", body, secret, padded=body + tail)))
    target = pathlib.Path(__file__).with_name("vectors.json")
    target.write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
