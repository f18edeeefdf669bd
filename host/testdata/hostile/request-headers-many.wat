;; Attack: Gives a hundred thousand headers.
;; Must: be dropped.
(module
  (memory (export "memory") 64)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_006f))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "request") (param i32) (result i64)
    (local $n i32)
    (memory.copy (i32.const 0x10_0000) (i32.const 0x1000) (i32.const 18))
    (i32.store offset=16 (i32.const 0x10_0000) (i32.const 600000))
    (loop $on
      (i32.store offset=0x10_0014 (i32.mul (local.get $n) (i32.const 6)) (i32.const 0x6161_0002))
      (br_if $on (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))
    (i64.const 0x0010_0000_0009_27e4))
  (func (export "response") (param i32) (result i64) (i64.const 0x0006_0000_0000_0043))
  (func (export "stream") (param i32) (result i64) (i64.const 0x0006_0400_0000_0048))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22provider\22,\22name\22:\22request-headers-many\22,\22version\22:\221\22,"
    "\22dialect\22:\22openai\22,\22endpoints\22:[\22chat\22]}")
  (data (i32.const 0x1000) "\00\00\00\01\00\00\00\05\00/v1/x")
  (data (i32.const 0x60034) "\0b\00\00\00{\22ok\22:true}")
  (data (i32.const 0x60438) "\01\00\00\00\01\07\00\00\00{\22c\22:1}"))
