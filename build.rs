//! New migrations must reach the binary although no Rust file changed.
fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
