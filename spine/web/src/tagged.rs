//! Objects whose member `type` says what their other members are.
//!
//! serde's own reader of such objects buffers all of them, and then a refusal can name no more than
//! the object. Here members are read where they stand once `type` is known.

use core::{fmt, marker::PhantomData};
use std::vec;

use serde::de::{
    DeserializeSeed, Deserializer, Error, MapAccess, Visitor,
    value::{MapAccessDeserializer, StringDeserializer},
};
use serde_json::value::RawValue;

use crate::{extract::misplaced, strict::Strict};

const TYPE: &str = "type";

/// A choice among objects, told apart by their member `type`.
pub trait Tagged: Sized {
    /// The values of `type`.
    const WORDS: &'static [&'static str];

    /// Reads the members other than `type`; `word` is one of [`Self::WORDS`].
    ///
    /// # Errors
    ///
    /// As the reader of the members has them.
    fn read<'de, D: Deserializer<'de>>(word: &str, members: D) -> Result<Self, D::Error>;
}

/// Reads a [`Tagged`] for its `Deserialize`. Members that stand before `type` are
/// buffered as they are written, which only a deserializer of JSON can do.
///
/// # Errors
///
/// A missing or unknown `type`, and what [`Tagged::read`] refuses.
pub fn deserialize_tagged<'de, T: Tagged, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(Choice(PhantomData))
}

struct Choice<T>(PhantomData<fn() -> T>);

impl<'de, T: Tagged> Visitor<'de> for Choice<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the member `{TYPE}`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut earlier = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == TYPE {
                let word = map.next_value_seed(Word(T::WORDS))?;
                let members = Members { earlier: earlier.into_iter(), value: None, rest: map };
                return T::read(word, MapAccessDeserializer::new(members));
            }
            earlier.push((key, map.next_value()?));
        }
        Err(A::Error::missing_field(TYPE))
    }
}

/// One of the words.
struct Word(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Word {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Word {
    type Value = &'static str;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", self.0.join(", "))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<&'static str, E> {
        let found = self.0.iter().find(|word| **word == text);
        found.copied().ok_or_else(|| E::unknown_variant(text, self.0))
    }
}

/// The members that stood before `type`, then those after it.
struct Members<A> {
    earlier: vec::IntoIter<(String, Box<RawValue>)>,
    /// The value of the earlier member whose key was given last.
    value: Option<(String, Box<RawValue>)>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some((key, value)) = self.earlier.next() else { return self.rest.next_key_seed(seed) };
        let given = seed.deserialize(StringDeserializer::new(key.clone())).map(Some);
        self.value = Some((key, value));
        given
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        let Some((key, value)) = self.value.take() else { return self.rest.next_value_seed(seed) };
        let mut track = serde_path_to_error::Track::new();
        let mut json = serde_json::Deserializer::from_reader(value.get().as_bytes());
        let reader = serde_path_to_error::Deserializer::new(&mut json, &mut track);
        let read = seed.deserialize(Strict(reader));
        read.map_err(|error| misplaced(&key, &track.path(), &error))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde::Deserialize;

    use super::*;
    use crate::extract::parse_json;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Circle {
        radius: u8,
        at: Option<Point>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Point {
        x: i8,
    }

    #[derive(Debug, PartialEq)]
    enum Shape {
        Circle(Circle),
        Point(Point),
    }

    impl<'de> Deserialize<'de> for Shape {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserialize_tagged(deserializer)
        }
    }

    impl Tagged for Shape {
        const WORDS: &'static [&'static str] = &["circle", "point"];

        fn read<'de, D: Deserializer<'de>>(word: &str, members: D) -> Result<Self, D::Error> {
            match word {
                "circle" => Deserialize::deserialize(members).map(Self::Circle),
                "point" => Deserialize::deserialize(members).map(Self::Point),
                other => Err(D::Error::unknown_variant(other, Self::WORDS)),
            }
        }
    }

    fn told(text: &str) -> String {
        match parse_json::<Vec<Shape>>(text.as_bytes()) {
            Ok(shapes) => format!("{shapes:?}"),
            Err(problem) => {
                let told =
                    |error: &crate::FieldError| format!("{} {}", error.pointer, error.detail);
                problem.errors().iter().map(told).collect()
            }
        }
    }

    #[test]
    fn the_type_may_stand_anywhere() {
        let circle = r#"[Circle(Circle { radius: 1, at: Some(Point { x: 2 }) })]"#;
        for text in [
            r#"[{"type":"circle","radius":1,"at":{"x":2}}]"#,
            r#"[{"radius":1,"type":"circle","at":{"x":2}}]"#,
            r#"[{"at":{"x":2},"radius":1,"type":"circle"}]"#,
        ] {
            assert_eq!(told(text), circle);
        }
        assert_eq!(told(r#"[{"x":3,"type":"point"}]"#), "[Point(Point { x: 3 })]");
    }

    #[test]
    fn a_refusal_names_the_member() {
        let refused: Vec<String> = [
            r#"[{"type":"circle","radius":256}]"#,
            r#"[{"radius":256,"type":"circle"}]"#,
            r#"[{"type":"circle","radius":1,"at":{"x":"2"}}]"#,
            r#"[{"radius":1,"at":{"x":"2"},"type":"circle"}]"#,
            r#"[{"radius":1,"at":{},"type":"circle"}]"#,
            r#"[{"radius":1,"at":[2],"type":"circle"}]"#,
            r#"[{"type":"circle","radius":1,"at":[2]}]"#,
            r#"[{"type":"circle"}]"#,
            r#"[{"y":1,"type":"circle"}]"#,
            r#"[{"type":"circle","y":1}]"#,
            r#"[{"type":"circle","radius":1,"radius":1}]"#,
            r#"[{"radius":1,"radius":1,"type":"circle"}]"#,
            r#"[{"at":{"x":1,"x":1},"type":"circle"}]"#,
            r#"[{"type":"circle","type":"point"}]"#,
            r#"[{"radius":1}]"#,
            r#"[{"type":"square"}]"#,
            r#"[{"type":1}]"#,
            r#"[{"type":"point","x":1},["point",1]]"#,
        ]
        .map(|text| format!("{text} {}\n", told(text)))
        .into();
        expect![[r#"
            [{"type":"circle","radius":256}] /0/radius invalid value: integer `256`, expected u8
            [{"radius":256,"type":"circle"}] /0/radius invalid value: integer `256`, expected u8
            [{"type":"circle","radius":1,"at":{"x":"2"}}] /0/at/x invalid type: string "2", expected i8
            [{"radius":1,"at":{"x":"2"},"type":"circle"}] /0/at/x invalid type: string "2", expected i8
            [{"radius":1,"at":{},"type":"circle"}] /0/at/x is missing
            [{"radius":1,"at":[2],"type":"circle"}] /0/at invalid type: sequence, expected an object
            [{"type":"circle","radius":1,"at":[2]}] /0/at invalid type: sequence, expected an object
            [{"type":"circle"}] /0/radius is missing
            [{"y":1,"type":"circle"}] /0/y unknown field `y`, expected `radius` or `at`
            [{"type":"circle","y":1}] /0/y unknown field `y`, expected `radius` or `at`
            [{"type":"circle","radius":1,"radius":1}] /0/radius is there twice
            [{"radius":1,"radius":1,"type":"circle"}] /0/radius is there twice
            [{"at":{"x":1,"x":1},"type":"circle"}] /0/at/x is there twice
            [{"type":"circle","type":"point"}] /0/type unknown field `type`, expected `radius` or `at`
            [{"radius":1}] /0/type is missing
            [{"type":"square"}] /0/type unknown variant `square`, expected `circle` or `point`
            [{"type":1}] /0/type invalid type: integer `1`, expected one of circle, point
            [{"type":"point","x":1},["point",1]] /1 invalid type: sequence, expected an object with the member `type`
        "#]].assert_eq(&refused.concat());
    }
}
