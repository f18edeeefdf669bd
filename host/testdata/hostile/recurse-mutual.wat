;; Attack: Three functions that call each other in a ring.
;; Must: end when the stack is used up.
(module
  (memory (export "memory") 8)
  (func $a (param i64) (result i64) (i64.add (local.get 0) (call $b (local.get 0))))
  (func $b (param i64) (result i64) (i64.mul (local.get 0) (call $c (local.get 0))))
  (func $c (param i64) (result i64) (i64.xor (local.get 0) (call $a (local.get 0))))
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0041))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64) (call $a (i64.const 1)))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22recurse-mutual\22,\22version\22:\221\22}"))
