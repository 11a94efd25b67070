//! Rebuilds the crate where a migration is added: the migrations are compiled into it.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
