;; Attack: A loop that leaves itself by a forward branch to an outer loop, so that no single loop ever comes
;; to its end.
;; Must: end when the fuel is used up.
(module
  (memory (export "memory") 8)
  (func (export "switchyard_abi_1"))
  (func (export "input") (param i32) (result i32) (i32.const 0x10000))
  (func (export "describe") (result i64) (i64.const 0x0000_0100_0000_0041))
  (func (export "configure") (param i32) (result i64) (i64.const 0x0000_0040_0000_0001))
  (func (export "score") (param i32) (result i64)
    (loop $out
      (block $leave
        (loop $in
          (br_if $leave (i32.const 1))
          (br $in)))
      (br $out))
    (unreachable))
  (data (i32.const 0x100)
    "{\22abi\22:1,\22kind\22:\22strategy\22,\22name\22:\22spin-br-if-out\22,\22version\22:\221\22}"))
