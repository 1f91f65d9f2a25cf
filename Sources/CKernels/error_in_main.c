// What happens when an error leaves the main program.
//
// The compiler ends the code at top level, and `main` of an `@main` type, with a call of
// `swift_errorInMain`. That of the standard library traps: the text of the error comes with a
// backtrace and the registers, and a rank of an MPI job would leave the others waiting. Defined in
// the program it comes before that of the shared library. It is weak: where the standard library is
// linked statically, the library's own is taken.

#if defined(__ELF__)

// In Engine: prints the error and ends the program.
extern void apus_error_in_main(const void *error) __attribute__((noreturn));

__attribute__((weak, swiftcall, noreturn)) void swift_errorInMain(const void *error) {
  apus_error_in_main(error);
}

#endif
