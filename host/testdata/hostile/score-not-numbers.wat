;; Attack: Scores are NaN of several kinds, both infinities, the smallest and the largest numbers, and minus
;; zero.
;; Must: answer; only NaN removes.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0044))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $n i32)
    (loop $on
      (i64.store (i32.add (i32.const 0x60030) (i32.shl (local.get $n) (i32.const 3)))
        (i64.load offset=0x1000 (i32.shl (i32.and (local.get $n) (i32.const 7)) (i32.const 3))))
      (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.load offset=4
      (i32.const 0x10000)))))
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (i64.add (i64.const 0x0006_0000_0000_0030) (i64.extend_i32_u (i32.shl (i32.load offset=4
    (i32.const 0x10000)) (i32.const 3)))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22score-not-numbers\22,\22version\22:\221\22}")
  (data (i32.const 0x60002) "0")
  (data (i32.const 0x1000)
    "\01\00\00\00\00\00\f8\7f\00\00\00\00\00\00\f8\ff\01\00\00\00\00\00\f0\7f\00\00\00\00\00\00\f0\7f\00"
    "\00\00\00\00\00\f0\ff\01\00\00\00\00\00\00\00\ff\ff\ff\ff\ff\ff\ef\7f\00\00\00\00\00\00\00\80"))
