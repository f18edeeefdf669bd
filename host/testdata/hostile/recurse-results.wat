;; Attack: Recursion of a function with many parameters and results, which the compiler passes on the stack.
;; Must: end when the stack is used up.
(module
  (memory (export "memory") 8)
  (type $many (func
    (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 )
    (result i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 )))
  (func $deeper (type $many)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6)
    (local.get 7) (local.get 8) (local.get 9) (local.get 10) (local.get 11) (local.get 12) (local.get 13)
    (local.get 14) (local.get 15) (local.get 16) (local.get 17) (local.get 18) (local.get 19) (local.get 20)
    (local.get 21) (local.get 22) (local.get 23) (local.get 24) (local.get 25) (local.get 26) (local.get 27)
    (local.get 28) (local.get 29) (local.get 30) (local.get 31) (local.get 32) (local.get 33) (local.get 34)
    (local.get 35) (local.get 36) (local.get 37) (local.get 38) (local.get 39)
    (call $deeper))
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0042))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
    (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10) (i64.const 11) (i64.const 12) (i64.const 13)
    (i64.const 14) (i64.const 15) (i64.const 16) (i64.const 17) (i64.const 18) (i64.const 19) (i64.const 20)
    (i64.const 21) (i64.const 22) (i64.const 23) (i64.const 24) (i64.const 25) (i64.const 26) (i64.const 27)
    (i64.const 28) (i64.const 29) (i64.const 30) (i64.const 31) (i64.const 32) (i64.const 33) (i64.const 34)
    (i64.const 35) (i64.const 36) (i64.const 37) (i64.const 38) (i64.const 39)
    (call $deeper)
    drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop
    drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop drop)
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22recurse-results\22,\22version\22:\221\22}"))
