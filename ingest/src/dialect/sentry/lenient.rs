//! JSON as clients of many years and languages send it: a value of the wrong type is an absent one, never an error.
//!
//! One visitor takes a value of any type; a type says what it makes of each. Only text that is not JSON fails.

use crate::dialect::value::Key;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// What a value of each JSON type becomes; by default absent.
pub(super) trait Lenient<'de>: Default {
    fn text(_: Cow<'de, str>) -> Self {
        Self::default()
    }

    fn integer(number: i64) -> Self {
        Self::real(number as f64)
    }

    fn real(_: f64) -> Self {
        Self::default()
    }

    fn boolean(_: bool) -> Self {
        Self::default()
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// An object's fields, taken one by one; of a repeated name the last counts.
pub(super) trait Fields<'de>: Default {
    /// Takes the value of one field.
    fn field<A: MapAccess<'de>>(&mut self, name: Key<'de>, object: &mut A) -> Result<(), A::Error>;
}

/// Reads a value of any type.
pub(super) fn read<'de, T: Lenient<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Any(PhantomData))
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(i64::try_from(number).map_or_else(|_| T::real(number as f64), T::integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(T::real(number))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::object(object)
    }
}

/// Reads over a field that is of no interest.
pub(super) fn skip<'de, T, A: MapAccess<'de>>(_: &mut T, _: Key<'de>, object: &mut A) -> Result<(), A::Error> {
    object.next_value::<IgnoredAny>().map(|_| ())
}

/// Defines an object whose fields are all optional: `field: Type = "name" | "older name"`. `other` takes the fields that are
/// not listed; what it keeps of them stands in brackets.
macro_rules! object {
    ($(#[$doc:meta])* $object:ident<$life:lifetime>, other: $other:path,
        { $($field:ident: $type:ty = $($name:literal)|+,)* } [$($kept:ident: $kept_type:ty)?]) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub(super) struct $object<$life> {
            $(pub(super) $field: $type,)*
            $(pub(super) $kept: $kept_type,)?
        }

        impl<$life> $crate::dialect::sentry::lenient::Fields<$life> for $object<$life> {
            fn field<A: serde::de::MapAccess<$life>>(
                &mut self,
                name: $crate::dialect::value::Key<$life>,
                object: &mut A,
            ) -> Result<(), A::Error> {
                match &*name.0 {
                    $($($name)|+ => self.$field = object.next_value()?,)*
                    _ => $other(self, name, object)?,
                }
                Ok(())
            }
        }

        impl<$life> $crate::dialect::sentry::lenient::Lenient<$life> for $object<$life> {
            fn object<A: serde::de::MapAccess<$life>>(mut object: A) -> Result<Self, A::Error> {
                let mut this = Self::default();
                while let Some(name) = object.next_key()? {
                    $crate::dialect::sentry::lenient::Fields::field(&mut this, name, &mut object)?;
                }
                Ok(this)
            }
        }

        impl<$life> serde::Deserialize<$life> for $object<$life> {
            fn deserialize<D: serde::Deserializer<$life>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::dialect::sentry::lenient::read(deserializer)
            }
        }
    };
}
pub(super) use object;
