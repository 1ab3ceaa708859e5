// SPDX-License-Identifier: MIT OR Apache-2.0

//! Reading what a surface is configured with: JSON objects of which every key is known, so that a
//! slip of the pen is an error and not a default.

use crate::publish::{ConfigError, object, only};
use serde_json::{Map, Value};
use std::fmt::Display;
use std::ops::RangeInclusive;

type Read<T> = Result<T, ConfigError>;

/// An object of a configuration.
#[derive(Clone, Debug)]
pub struct Section<'a> {
    place: &'a str,
    values: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    /// The object `value`, which stands at `place`, such as `query.dns`, and has these keys at
    /// most.
    ///
    /// # Errors
    /// It is no object, or has another key.
    pub fn open(place: &'a str, value: &'a Value, keys: &[&str]) -> Read<Self> {
        let values = object(place, value)?;
        only(place, values, keys)?;
        Ok(Self { place, values })
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.values.get(key)
    }

    /// What is wrong with the value of a key.
    pub fn error(&self, key: &str, what: impl Display) -> ConfigError {
        ConfigError::at(&format!("{}.{key}", self.place), what)
    }

    /// A text that is not empty.
    ///
    /// # Errors
    /// It is something else; or it is not there, and there is no default.
    pub fn text<'t>(&self, key: &str, default: Option<&'t str>) -> Read<&'t str>
    where
        'a: 't,
    {
        let given = self.get(key).map(Value::as_str);
        let text = given.unwrap_or(default).filter(|text| !text.is_empty());
        text.ok_or_else(|| self.error(key, "a text is wanted"))
    }

    /// A whole number in `range`. Some proxies make a floating-point number of each.
    ///
    /// # Errors
    /// It is something else.
    pub fn number(&self, key: &str, default: u32, range: RangeInclusive<u32>) -> Read<u32> {
        let Some(given) = self.get(key) else {
            return Ok(default);
        };
        let (least, most) = (*range.start(), *range.end());
        let is_wanted = |number: &f64| {
            let is_whole = number.fract() == 0.0;
            is_whole && (f64::from(least)..=f64::from(most)).contains(number)
        };
        let number = given.as_f64().filter(is_wanted);
        number.map(|number| number as u32).ok_or_else(|| {
            let what = format_args!("a whole number from {least} to {most} is wanted");
            self.error(key, what)
        })
    }

    /// A port.
    ///
    /// # Errors
    /// It is no number from 1 to 65 535.
    pub fn port(&self, key: &str, default: u16) -> Read<u16> {
        let number = self.number(key, default.into(), 1..=u16::MAX.into())?;
        Ok(u16::try_from(number).unwrap_or(default))
    }
}
