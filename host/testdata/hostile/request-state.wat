;; Attack: Gives a state of one byte more than 64 KiB.
;; Must: be dropped.
(module
  (memory (export "memory") 32)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0068))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "request") (param i32) (result i64)
    (memory.copy (i32.const 0x10_0000) (i32.const 0x1000) (i32.const 28))
    (i32.store offset=28 (i32.const 0x10_0000) (i32.const 0x1_0001))
    (i64.const 0x0010_0000_0001_0025))
  (func (export "response") (param i32) (result i64) (i64.const 0x0006_0000_0000_0043))
  (func (export "stream") (param i32) (result i64) (i64.const 0x0006_0400_0000_0048))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22provider\22,\22name\22:\22request-state\22,\22version\22:\221\22,\22dial"
    "ect\22:\22openai\22,\22endpoints\22:[\22chat\22]}")
  (data (i32.const 0x1000) "\00\00\00\01\00\00\00\05\00/v1/x")
  (data (i32.const 0x60034) "\0b\00\00\00{\22ok\22:true}")
  (data (i32.const 0x60438) "\01\00\00\00\01\07\00\00\00{\22c\22:1}"))
