;; Attack: An empty loop in score.
;; Must: end when the fuel is used up.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_003d))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (loop $on (br $on))
    (unreachable))
  (data (i32.const 0x100) "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22spin-score\22,\22version\22:\221\22}"))
