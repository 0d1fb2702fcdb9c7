//! Builds again when an embedded folder gains or loses a file; the compiler watches only the files
//! that were there before.

fn main() {
    println!("cargo:rerun-if-changed=schemas");
    println!("cargo:rerun-if-changed=src/demo/workspace");
}
