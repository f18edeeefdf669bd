;; Attack: The allocator grows the memory at each call and answers the new end.
;; Must: answer.
(module
  (memory (export "memory") 8)
  (global $buffer (mut i32) (i32.const 0x10000))
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32)
    (drop (memory.grow (i32.const 8)))
    (global.set $buffer (i32.shl (i32.sub (memory.size) (i32.const 8)) (i32.const 16)))
    (global.get $buffer))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003e))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (global.get $buffer)))
    (i64.const 0x0006_0000_0000_f000))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22input-moves\22,\22version\22:\221\22}")
  (data (i32.const 0x60000) "\00\000"))
