;; Attack: A function that finds itself in a table.
;; Must: end when the stack is used up.
(module
  (memory (export "memory") 8)
  (type $v (func))
  (table funcref (elem $deeper))
  (func $deeper (call_indirect (type $v) (i32.const 0)))
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0043))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (call $deeper)
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22recurse-indirect\22,\22version\22:\221\22}"))
