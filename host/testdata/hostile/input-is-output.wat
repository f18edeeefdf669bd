;; Attack: The input buffer lies where the output will be, and the output is longer.
;; Must: be read as it stands when the call returns.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x60000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0042))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $n i32)
    (local.set $n (i32.load offset=4 (i32.const 0x60000)))
    (memory.copy (i32.const 0x60000) (i32.const 0x1000) (i32.const 48))
    (i32.store offset=4 (i32.const 0x60000) (local.get $n))
    (i64.const 0x0006_0000_0000_f000))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22input-is-output\22,\22version\22:\221\22}")
  (data (i32.const 0x1000) "\00\000"))
