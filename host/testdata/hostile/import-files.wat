;; Attack: Opens /etc/passwd below every descriptor that might be a folder.
;; Must: find no file, and answer.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $fd_prestat_get (param i32 i32) (result i32)))
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003f))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $fd i32)
    (loop $on
      (if (i32.eqz (call $fd_prestat_get (local.get $fd) (i32.const 0x2000))) (then (unreachable)))
      (if (i32.eqz (call $path_open (local.get $fd) (i32.const 1) (i32.const 0x1000) (i32.const 10)
      (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 0x2000))) (then (unreachable)))
      (br_if $on (i32.lt_u (local.tee $fd (i32.add (local.get $fd) (i32.const 1))) (i32.const 32))))
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (i64.add (i64.const 0x0006_0000_0000_0030) (i64.extend_i32_u (i32.shl (i32.load offset=4
    (i32.const 0x10000)) (i32.const 3)))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22import-files\22,\22version\22:\221\22}")
  (data (i32.const 0x60002) "0")
  (data (i32.const 0x1000) "etc/passwd"))
