;; Attack: Recursion with two hundred values that stay alive over each call, so that its frames are large.
;; Must: end when the stack is used up, counted in bytes and not in calls.
(module
  (memory (export "memory") 8)
  (func $deeper (param i64) (result i64)
    (call $deeper (i64.add (local.get 0) (i64.const 1)))
    (i64.rotl (local.get 0) (i64.const 0))
    (i64.rotl (local.get 0) (i64.const 1))
    (i64.rotl (local.get 0) (i64.const 2))
    (i64.rotl (local.get 0) (i64.const 3))
    (i64.rotl (local.get 0) (i64.const 4))
    (i64.rotl (local.get 0) (i64.const 5))
    (i64.rotl (local.get 0) (i64.const 6))
    (i64.rotl (local.get 0) (i64.const 7))
    (i64.rotl (local.get 0) (i64.const 8))
    (i64.rotl (local.get 0) (i64.const 9))
    (i64.rotl (local.get 0) (i64.const 10))
    (i64.rotl (local.get 0) (i64.const 11))
    (i64.rotl (local.get 0) (i64.const 12))
    (i64.rotl (local.get 0) (i64.const 13))
    (i64.rotl (local.get 0) (i64.const 14))
    (i64.rotl (local.get 0) (i64.const 15))
    (i64.rotl (local.get 0) (i64.const 16))
    (i64.rotl (local.get 0) (i64.const 17))
    (i64.rotl (local.get 0) (i64.const 18))
    (i64.rotl (local.get 0) (i64.const 19))
    (i64.rotl (local.get 0) (i64.const 20))
    (i64.rotl (local.get 0) (i64.const 21))
    (i64.rotl (local.get 0) (i64.const 22))
    (i64.rotl (local.get 0) (i64.const 23))
    (i64.rotl (local.get 0) (i64.const 24))
    (i64.rotl (local.get 0) (i64.const 25))
    (i64.rotl (local.get 0) (i64.const 26))
    (i64.rotl (local.get 0) (i64.const 27))
    (i64.rotl (local.get 0) (i64.const 28))
    (i64.rotl (local.get 0) (i64.const 29))
    (i64.rotl (local.get 0) (i64.const 30))
    (i64.rotl (local.get 0) (i64.const 31))
    (i64.rotl (local.get 0) (i64.const 32))
    (i64.rotl (local.get 0) (i64.const 33))
    (i64.rotl (local.get 0) (i64.const 34))
    (i64.rotl (local.get 0) (i64.const 35))
    (i64.rotl (local.get 0) (i64.const 36))
    (i64.rotl (local.get 0) (i64.const 37))
    (i64.rotl (local.get 0) (i64.const 38))
    (i64.rotl (local.get 0) (i64.const 39))
    i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add
    i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add
    i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add )
  (func $wide (param i64) (result i64)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
    i64 i64 i64 i64 i64 i64 )
    (local.set 1 (i64.rotl (local.get 0) (i64.const 1)))
    (local.set 2 (i64.rotl (local.get 0) (i64.const 2)))
    (local.set 3 (i64.rotl (local.get 0) (i64.const 3)))
    (local.set 4 (i64.rotl (local.get 0) (i64.const 4)))
    (local.set 5 (i64.rotl (local.get 0) (i64.const 5)))
    (local.set 6 (i64.rotl (local.get 0) (i64.const 6)))
    (local.set 7 (i64.rotl (local.get 0) (i64.const 7)))
    (local.set 8 (i64.rotl (local.get 0) (i64.const 8)))
    (local.set 9 (i64.rotl (local.get 0) (i64.const 9)))
    (local.set 10 (i64.rotl (local.get 0) (i64.const 10)))
    (local.set 11 (i64.rotl (local.get 0) (i64.const 11)))
    (local.set 12 (i64.rotl (local.get 0) (i64.const 12)))
    (local.set 13 (i64.rotl (local.get 0) (i64.const 13)))
    (local.set 14 (i64.rotl (local.get 0) (i64.const 14)))
    (local.set 15 (i64.rotl (local.get 0) (i64.const 15)))
    (local.set 16 (i64.rotl (local.get 0) (i64.const 16)))
    (local.set 17 (i64.rotl (local.get 0) (i64.const 17)))
    (local.set 18 (i64.rotl (local.get 0) (i64.const 18)))
    (local.set 19 (i64.rotl (local.get 0) (i64.const 19)))
    (local.set 20 (i64.rotl (local.get 0) (i64.const 20)))
    (local.set 21 (i64.rotl (local.get 0) (i64.const 21)))
    (local.set 22 (i64.rotl (local.get 0) (i64.const 22)))
    (local.set 23 (i64.rotl (local.get 0) (i64.const 23)))
    (local.set 24 (i64.rotl (local.get 0) (i64.const 24)))
    (local.set 25 (i64.rotl (local.get 0) (i64.const 25)))
    (local.set 26 (i64.rotl (local.get 0) (i64.const 26)))
    (local.set 27 (i64.rotl (local.get 0) (i64.const 27)))
    (local.set 28 (i64.rotl (local.get 0) (i64.const 28)))
    (local.set 29 (i64.rotl (local.get 0) (i64.const 29)))
    (local.set 30 (i64.rotl (local.get 0) (i64.const 30)))
    (local.set 31 (i64.rotl (local.get 0) (i64.const 31)))
    (local.set 32 (i64.rotl (local.get 0) (i64.const 32)))
    (local.set 33 (i64.rotl (local.get 0) (i64.const 33)))
    (local.set 34 (i64.rotl (local.get 0) (i64.const 34)))
    (local.set 35 (i64.rotl (local.get 0) (i64.const 35)))
    (local.set 36 (i64.rotl (local.get 0) (i64.const 36)))
    (local.set 37 (i64.rotl (local.get 0) (i64.const 37)))
    (local.set 38 (i64.rotl (local.get 0) (i64.const 38)))
    (local.set 39 (i64.rotl (local.get 0) (i64.const 39)))
    (local.set 40 (i64.rotl (local.get 0) (i64.const 40)))
    (local.set 41 (i64.rotl (local.get 0) (i64.const 41)))
    (local.set 42 (i64.rotl (local.get 0) (i64.const 42)))
    (local.set 43 (i64.rotl (local.get 0) (i64.const 43)))
    (local.set 44 (i64.rotl (local.get 0) (i64.const 44)))
    (local.set 45 (i64.rotl (local.get 0) (i64.const 45)))
    (local.set 46 (i64.rotl (local.get 0) (i64.const 46)))
    (local.set 47 (i64.rotl (local.get 0) (i64.const 47)))
    (local.set 48 (i64.rotl (local.get 0) (i64.const 48)))
    (local.set 49 (i64.rotl (local.get 0) (i64.const 49)))
    (local.set 50 (i64.rotl (local.get 0) (i64.const 50)))
    (local.set 51 (i64.rotl (local.get 0) (i64.const 51)))
    (local.set 52 (i64.rotl (local.get 0) (i64.const 52)))
    (local.set 53 (i64.rotl (local.get 0) (i64.const 53)))
    (local.set 54 (i64.rotl (local.get 0) (i64.const 54)))
    (local.set 55 (i64.rotl (local.get 0) (i64.const 55)))
    (local.set 56 (i64.rotl (local.get 0) (i64.const 56)))
    (local.set 57 (i64.rotl (local.get 0) (i64.const 57)))
    (local.set 58 (i64.rotl (local.get 0) (i64.const 58)))
    (local.set 59 (i64.rotl (local.get 0) (i64.const 59)))
    (call $wide (i64.add (local.get 0) (call $deeper (local.get 1))))
    (local.get 1) i64.add
    (local.get 2) i64.add
    (local.get 3) i64.add
    (local.get 4) i64.add
    (local.get 5) i64.add
    (local.get 6) i64.add
    (local.get 7) i64.add
    (local.get 8) i64.add
    (local.get 9) i64.add
    (local.get 10) i64.add
    (local.get 11) i64.add
    (local.get 12) i64.add
    (local.get 13) i64.add
    (local.get 14) i64.add
    (local.get 15) i64.add
    (local.get 16) i64.add
    (local.get 17) i64.add
    (local.get 18) i64.add
    (local.get 19) i64.add
    (local.get 20) i64.add
    (local.get 21) i64.add
    (local.get 22) i64.add
    (local.get 23) i64.add
    (local.get 24) i64.add
    (local.get 25) i64.add
    (local.get 26) i64.add
    (local.get 27) i64.add
    (local.get 28) i64.add
    (local.get 29) i64.add
    (local.get 30) i64.add
    (local.get 31) i64.add
    (local.get 32) i64.add
    (local.get 33) i64.add
    (local.get 34) i64.add
    (local.get 35) i64.add
    (local.get 36) i64.add
    (local.get 37) i64.add
    (local.get 38) i64.add
    (local.get 39) i64.add
    (local.get 40) i64.add
    (local.get 41) i64.add
    (local.get 42) i64.add
    (local.get 43) i64.add
    (local.get 44) i64.add
    (local.get 45) i64.add
    (local.get 46) i64.add
    (local.get 47) i64.add
    (local.get 48) i64.add
    (local.get 49) i64.add
    (local.get 50) i64.add
    (local.get 51) i64.add
    (local.get 52) i64.add
    (local.get 53) i64.add
    (local.get 54) i64.add
    (local.get 55) i64.add
    (local.get 56) i64.add
    (local.get 57) i64.add
    (local.get 58) i64.add
    (local.get 59) i64.add)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003f))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64) (call $wide (i64.const 1)))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22recurse-wide\22,\22version\22:\221\22}"))
