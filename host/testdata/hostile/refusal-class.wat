;; Attack: Refuses with a class of failure that does not exist.
;; Must: be dropped.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0040))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64) (i64.const 0x0006_8000_0000_0011))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22refusal-class\22,\22version\22:\221\22}")
  (data (i32.const 0x68000) "\01\f7\01\ff"))
