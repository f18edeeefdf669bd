;; Attack: No loop at all: each level calls the next one twice, 64 levels deep, 2^64 calls in all.
;; Must: end when the fuel is used up.
(module
  (memory (export "memory") 8)
  (func $twice (param i32)
    (if (i32.eqz (local.get 0)) (then (return)))
    (call $twice (i32.sub (local.get 0) (i32.const 1)))
    (call $twice (i32.sub (local.get 0) (i32.const 1))))
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003d))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (call $twice (i32.const 64))
    (unreachable))
  (data (i32.const 0x100) "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22spin-calls\22,\22version\22:\221\22}"))
