;; Attack: An instruction whose result depends on the machine.
;; Must: be refused.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003f))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22relaxed-simd\22,\22version\22:\221\22}"))
