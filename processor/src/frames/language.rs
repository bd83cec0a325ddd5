//! The languages of stacks. What grouping knows of each is in [`super::register`].

/// The family of runtimes that a frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    Java,
    Python,
    JavaScript,
    CSharp,
    /// C, C++ and whatever else ends by a signal or a fault of the machine.
    Native,
    /// Consoles of the Linux kernel.
    Kernel,
    Go,
    Rust,
    Php,
    Ruby,
    Dart,
    Lua,
    Unreal,
    /// A Java virtual machine that ended by a fault of its own.
    HotSpot,
    /// A dump of all threads; its frames are of another language.
    Threads,
}
