//! The program: reads its arguments and leaves the rest to the library.

use std::process::ExitCode;

/// A check costs a dozen small pieces of memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rolecall::cli::main()
}
