//! What all parts of an answer have in common: JSON as Python objects.

use llm2api_core::chat::Extra;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyAttributeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyList;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A type of the engine that is JSON.
pub(crate) trait Shape {
    /// The fields that the type does not name.
    fn extra(&self) -> Option<&Extra>;
    /// Writes the JSON on one line.
    fn write(&self, out: &mut Vec<u8>);
    /// Says whether another holds the same, however its JSON is written.
    fn same(&self, other: &Self) -> bool;
}

/// A type of the engine that can be made of its JSON.
pub(crate) trait Readable: Sized {
    /// Reads what [`Shape::write`] has written.
    fn from_json(json: &str) -> PyResult<Self>;
}

/// Says of types with a field `extra` what they are.
macro_rules! shapes {
    ($($body:ty),* $(,)?) => {$(
        impl crate::object::Shape for $body {
            fn extra(&self) -> Option<&llm2api_core::chat::Extra> {
                Some(&self.extra)
            }

            fn write(&self, out: &mut Vec<u8>) {
                crate::object::write(self, out);
            }

            fn same(&self, other: &Self) -> bool {
                self == other
            }
        }

        impl crate::object::Readable for $body {
            fn from_json(json: &str) -> pyo3::PyResult<Self> {
                crate::object::read(json)
            }
        }
    )*};
}
pub(crate) use shapes;

/// Makes a class around a type of the engine: its own methods, and those that all of them have; a
/// `readable` one can be made of its JSON again.
macro_rules! object {
    ($(#[$about:meta])* readable $name:ident($body:ty) { $($methods:tt)* }) => {
        crate::object::object! {
            $(#[$about])*
            $name($body) {
                $($methods)*

                /// Makes the object of its JSON, as `model_dump_json` has written it.
                #[staticmethod]
                fn model_validate_json(json: &str) -> PyResult<Self> {
                    crate::object::Readable::from_json(json).map(Self)
                }

                fn __reduce__<'py>(
                    &self,
                    py: Python<'py>,
                ) -> PyResult<(Bound<'py, PyAny>, (String,))> {
                    let class = py.get_type::<Self>();
                    let again = class.getattr(pyo3::intern!(py, "model_validate_json"))?;
                    Ok((again, (crate::object::json(&self.0),)))
                }
            }
        }
    };
    ($(#[$about:meta])* $name:ident($body:ty) { $($methods:tt)* }) => {
        $(#[$about])*
        #[pyclass(frozen, module = "llm2api")]
        #[derive(Debug)]
        pub(crate) struct $name(pub(crate) $body);

        #[pymethods]
        impl $name {
            $($methods)*

            /// Returns a field that has no property of its own.
            fn __getattr__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
                crate::object::field(py, stringify!($name), &self.0, name)
            }

            /// The fields that have no property of their own.
            #[getter]
            fn model_extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                crate::object::plain(py, &crate::object::extra_json(&self.0))
            }

            /// Returns the object as a dict, of the fields that its JSON has.
            #[pyo3(signature = (*, exclude_none=false))]
            fn model_dump<'py>(
                &self,
                py: Python<'py>,
                exclude_none: bool,
            ) -> PyResult<Bound<'py, PyAny>> {
                crate::object::plain(py, &self.model_dump_json(exclude_none))
            }

            /// Returns the object as JSON on one line.
            #[pyo3(signature = (*, exclude_none=false))]
            fn model_dump_json(&self, exclude_none: bool) -> String {
                match exclude_none {
                    false => crate::object::json(&self.0),
                    true => crate::object::json_without_nulls(&self.0),
                }
            }

            fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                crate::object::repr(slf.as_any(), stringify!($name), &slf.get().0)
            }

            fn __eq__(&self, other: &Self) -> bool {
                crate::object::Shape::same(&self.0, &other.0)
            }
        }
    };
}
pub(crate) use object;

object! {
    /// A JSON object that has no class of its own; its fields are attributes.
    readable Object(Extra) {}
}

impl Shape for Extra {
    fn extra(&self) -> Option<&Extra> {
        Some(self)
    }

    fn write(&self, out: &mut Vec<u8>) {
        write(self, out);
    }

    fn same(&self, other: &Self) -> bool {
        self == other
    }
}

impl Readable for Extra {
    fn from_json(json: &str) -> PyResult<Self> {
        read(json)
    }
}

/// Writes the JSON of a type that serde knows.
pub(crate) fn write(body: &impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, body)
        .expect("a Vec takes every byte, and all maps have string keys");
}

/// Returns an object's JSON.
pub(crate) fn json(body: &impl Shape) -> String {
    let mut text = Vec::with_capacity(256);
    body.write(&mut text);
    String::from_utf8(text).expect("JSON is written as text")
}

/// Returns an object's JSON without the fields that are null.
pub(crate) fn json_without_nulls(body: &impl Shape) -> String {
    let mut value = value(body);
    drop_nulls(&mut value);
    value.to_string()
}

/// Returns the JSON of the fields that have no property of their own.
pub(crate) fn extra_json(body: &impl Shape) -> String {
    body.extra().map_or_else(|| "{}".to_owned(), json)
}

/// Reads what [`json`] has written.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> PyResult<T> {
    // By way of a map: a type would be read from a list of its fields as well.
    let fields = serde_json::from_str::<Extra>(json);
    fields.and_then(|fields| serde_json::from_value(Value::Object(fields))).map_err(|error| {
        PyValueError::new_err(format!("this is not the JSON of such an object: {error}"))
    })
}

/// Makes plain dicts, lists and texts of JSON.
pub(crate) fn plain<'py>(py: Python<'py>, json: &str) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "json", "loads")?.call1((json,))
}

/// Returns a field that has no property of its own.
pub(crate) fn field<'py>(
    py: Python<'py>,
    class: &str,
    body: &impl Shape,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    match body.extra().and_then(|extra| extra.get(name)) {
        Some(value) => to_python(py, value),
        None => {
            let message = format!("'{class}' object has no attribute '{name}'");
            Err(PyAttributeError::new_err(message))
        }
    }
}

/// Returns a field that has no place of its own in the engine; None where it is not there.
pub(crate) fn optional<'py>(
    py: Python<'py>,
    body: &impl Shape,
    name: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let value = body.extra().and_then(|extra| extra.get(name));
    value.map(|value| to_python(py, value)).transpose()
}

/// Writes an object as Python would: its class and the fields that its JSON has.
pub(crate) fn repr(object: &Bound<'_, PyAny>, class: &str, body: &impl Shape) -> PyResult<String> {
    let Value::Object(fields) = value(body) else { return Ok(class.to_owned()) };
    let shown = fields.keys().map(|name| Ok(format!("{name}={}", object.getattr(name)?.repr()?)));
    let shown = shown.collect::<PyResult<Vec<_>>>()?;
    Ok(format!("{class}({})", shown.join(", ")))
}

/// Makes Python's values of JSON; objects become [`Object`]s.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(value) => value.into_bound_py_any(py),
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(list) => {
            let items = list.iter().map(|item| to_python(py, item));
            PyList::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_bound_py_any(py)
        }
        Value::Object(fields) => Object(fields.clone()).into_bound_py_any(py),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => number.into_bound_py_any(py),
            (None, Some(number)) => number.into_bound_py_any(py),
            (None, None) => number.as_f64().into_bound_py_any(py),
        },
    }
}

fn value(body: &impl Shape) -> Value {
    serde_json::from_str(&json(body)).unwrap_or_default()
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
