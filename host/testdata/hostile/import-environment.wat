;; Attack: Looks for environment variables and arguments, where secrets may be.
;; Must: find none, and answer.
(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0045))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (drop (call $environ_sizes_get (i32.const 0x1000) (i32.const 0x1004)))
    (drop (call $args_sizes_get (i32.const 0x1008) (i32.const 0x100c)))
    (if (i64.ne (i64.const 0) (i64.or (i64.load (i32.const 0x1000)) (i64.load (i32.const 0x1008)))) (then
    (unreachable)))
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (i64.add (i64.const 0x0006_0000_0000_0030) (i64.extend_i32_u (i32.shl (i32.load offset=4
    (i32.const 0x10000)) (i32.const 3)))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22import-environment\22,\22version\22:\221\22}")
  (data (i32.const 0x60002) "0"))
