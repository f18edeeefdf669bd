;; Attack: A loop that reads a cold cache line of a 32 MiB memory with almost every instruction.
;; Must: end when the fuel is used up.
(module
  (memory (export "memory") 512)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003e))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (local $at i32)
    (loop $on
      (local.set $at (i32.and (i32.const 0x1ff_fffc) (i32.add (i32.mul (local.get $at)
      (i32.const 0x5851_f42d)) (i32.add (i32.const 0x1_4057) (i32.load (local.get $at))))))
      (br $on))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22spin-misses\22,\22version\22:\221\22}"))
