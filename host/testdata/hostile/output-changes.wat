;; Attack: Answers well at first, then with another count each time.
;; Must: be dropped at each wrong answer.
(module
  (memory (export "memory") 8)
  (global $calls (mut i32) (i32.const 0))
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0041))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store offset=4 (i32.const 0x60000) (i32.add (i32.load offset=4 (i32.const 0x10000)) (i32.shr_u
    (global.get $calls) (i32.const 1))))
    (i64.const 0x0006_0000_0000_8000))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22output-changes\22,\22version\22:\221\22}")
  (data (i32.const 0x60000) "\00\000"))
