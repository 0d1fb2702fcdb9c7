//! Builds again when a sample workspace gains or loses a file; the compiler watches only the files that
//! were there before.

fn main() {
    for folder in ["workspace", "signalfx", "actian"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
