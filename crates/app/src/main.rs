//! The `keymint` binary. All of it is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    keymint_app::cli::main()
}
