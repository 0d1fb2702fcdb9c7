//! Builds again when the sample workspace gains or loses a file; the compiler watches only the files that
//! were there before.

fn main() {
    println!("cargo:rerun-if-changed=workspace");
}
