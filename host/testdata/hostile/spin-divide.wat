;; Attack: A loop of nothing but the slowest instructions: 64-bit divisions and square roots.
;; Must: end when the fuel is used up, and not keep the garbage collector waiting meanwhile.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003e))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $n i64) (local $x f64)
    (local.set $n (i64.const 0x7fff_ffff_ffff_ffff))
    (loop $on
      (local.set $n (i64.or (i64.const 0x4000_0000_0000_0001) (i64.div_s (i64.rem_u (i64.const -3)
      (local.get $n)) (i64.const 3))))
      (local.set $x (f64.sqrt (f64.div (f64.sqrt (f64.convert_i64_s (local.get $n))) (f64.const 3))))
      (br $on))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22spin-divide\22,\22version\22:\221\22}"))
