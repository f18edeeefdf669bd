;; Attack: Eight nested loops of 2^32 rounds each: each of them ends, all of them never do.
;; Must: end when the fuel is used up.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003e))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $a i32) (local $b i32) (local $c i32)
    (loop $i
      (loop $j
        (loop $k
          (br_if $k (local.tee $c (i32.add (local.get $c) (i32.const 1)))))
        (br_if $j (local.tee $b (i32.add (local.get $b) (i32.const 1)))))
      (br_if $i (local.tee $a (i32.add (local.get $a) (i32.const 1)))))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22spin-nested\22,\22version\22:\221\22}"))
