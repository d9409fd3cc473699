;; The module in key_chars.ts. tests/store/key_chars_test.ts assembles this file and compares.
(module
  (type $units (array (mut i16)))
  (type $copy (func (param externref (ref null $units) i32) (result i32)))
  (type $read (func (param externref) (result i32)))

  ;; Copies a string's UTF-16 units into an array from an index on, and returns how many there were.
  (import "wasm:js-string" "intoCharCodeArray" (func $intoCharCodeArray (type $copy)))

  (memory $memory 1 1)
  (global $scratch (ref null $units) i32.const 256 array.new_default $units)

  ;; Writes the low byte of each unit of the key to memory, padded with zeros to a whole word, and
  ;; returns all units or-ed together.
  (func $read (type $read)
    (param $key externref) (result i32)
    (local $length i32) (local $at i32) (local $seen i32) (local $unit i32)
    (local $array (ref null $units))

    global.get $scratch
    local.set $array
    local.get $key
    local.get $array
    i32.const 0
    call $intoCharCodeArray
    local.set $length

    ;; The word at memory[length & -4] = 0: the last, of which not all bytes may be written below.
    local.get $length
    i32.const -4
    i32.and
    i32.const 0
    i32.store

    block $done
      loop $next
        local.get $at
        local.get $length
        i32.ge_s
        br_if $done

        ;; memory[at] = unit = array[at]
        local.get $at
        local.get $array
        local.get $at
        array.get_u $units
        local.tee $unit
        i32.store8

        ;; seen |= unit
        local.get $seen
        local.get $unit
        i32.or
        local.set $seen

        ;; at += 1
        local.get $at
        i32.const 1
        i32.add
        local.set $at
        br $next
      end
    end
    local.get $seen)

  (export "read" (func $read))
  (export "memory" (memory $memory)))
