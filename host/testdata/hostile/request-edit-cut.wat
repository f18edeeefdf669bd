;; Attack: Gives an edit whose value is announced longer than the output.
;; Must: be dropped.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_006b))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "request") (param i32) (result i64) (i64.const 0x0006_8000_0000_0030))
  (func (export "response") (param i32) (result i64) (i64.const 0x0006_0000_0000_0043))
  (func (export "stream") (param i32) (result i64) (i64.const 0x0006_0400_0000_0048))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22provider\22,\22name\22:\22request-edit-cut\22,\22version\22:\221\22,\22d"
    "ialect\22:\22openai\22,\22endpoints\22:[\22chat\22]}")
  (data (i32.const 0x60034) "\0b\00\00\00{\22ok\22:true}")
  (data (i32.const 0x60438) "\01\00\00\00\01\07\00\00\00{\22c\22:1}")
  (data (i32.const 0x68000)
    "\00\01\00\01\00\00\00\05\00/v1/x\00\00\00\00\00\00\0c\00\00\00\00\05\00model\f0\ff\ff\ff"))
