//! Makes `core/data/phone/numbers.bin` from the metadata of the `phonenumber` crate:
//! `cargo run -p splitter-core --features phonenumber --example phone-table`.

mod graph;
mod pattern;
mod table;

fn main() -> std::io::Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/phone/numbers.bin");
    let table = table::table();
    println!("{path}: {} bytes", table.len());
    std::fs::write(path, table)
}
