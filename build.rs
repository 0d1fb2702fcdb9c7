//! Builds again when the folder of schemas gains or loses a file; the compiler watches only the files that
//! were there before.

fn main() {
    println!("cargo:rerun-if-changed=schemas");
}
