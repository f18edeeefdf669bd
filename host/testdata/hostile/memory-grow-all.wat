;; Attack: Grows its memory as it starts, as far as it gets, and writes to each page.
;; Must: get no more than the limit, and answer.
(module
  (memory (export "memory") 8 65536)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0042))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (i32.store offset=4 (i32.const 0x60000) (i32.load offset=4 (i32.const 0x10000)))
    (i64.add (i64.const 0x0006_0000_0000_0030) (i64.extend_i32_u (i32.shl (i32.load offset=4
    (i32.const 0x10000)) (i32.const 3)))))
  (func (export "_initialize")
    (local $p i32)
    (loop $on (br_if $on (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (if (i32.gt_u (memory.size) (i32.const 512)) (then (unreachable)))
    (local.set $p (i32.const 8))
    (loop $on
      (i32.store (i32.shl (local.get $p) (i32.const 16)) (i32.const 1))
      (br_if $on (i32.lt_u (local.tee $p (i32.add (local.get $p) (i32.const 1))) (memory.size)))))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22memory-grow-all\22,\22version\22:\221\22}")
  (data (i32.const 0x60002) "0"))
