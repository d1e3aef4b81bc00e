//! Reading JSON: [`tree`] keeps everything that was sent, [`reader`] says at once all that is wrong with it.

pub(crate) mod reader;
pub(crate) mod tree;

pub(crate) use reader::{Fields, Value};
pub(crate) use tree::{Document, Json, parse};
