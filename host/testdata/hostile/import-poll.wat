;; Attack: Sleeps for an hour without end: a host call in a loop of few instructions.
;; Must: be charged for the calls and end when the fuel is used up.
(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003e))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (loop $on
      (drop (call $poll_oneoff (i32.const 0x1000) (i32.const 0x2000) (i32.const 1) (i32.const 0x3000)))
      (br $on))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22import-poll\22,\22version\22:\221\22}")
  (data (i32.const 0x1010) "\01\00\00\00\00\00\00\00\00\a0\b80F\03"))
