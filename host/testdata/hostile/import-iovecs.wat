;; Attack: Writes to the standard output with a list of 500 thousand buffers, all of them the whole memory,
;; without end.
;; Must: be charged for it, and end when the fuel is used up.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 512)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0040))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $at i32)
    (local.set $at (i32.const 0x100_0000))
    (loop $fill
      (i64.store (local.get $at) (i64.const 0x0200_0000_0000_0000))
      (br_if $fill (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (i32.const 0x104_0000))))
    (loop $on
      (drop (call $fd_write (i32.const 1) (i32.const 0x100_0000) (i32.const 500000) (i32.const 0x1000)))
      (br $on))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22import-iovecs\22,\22version\22:\221\22}"))
