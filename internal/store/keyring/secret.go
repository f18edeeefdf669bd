package keyring

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"

	"github.com/switchyard-gateway/switchyard/internal/store"
)

// A secret is the prefix, 256 random bits and a CRC-32 of all before it, both in base 62:
//
//	sy_ | 43 digits | 6 digits
//
// The prefix tells people and scanners what they have found, and the checksum tells a scanner that
// it is no accident: it can be sure without asking anybody.
const (
	prefix    = "sy_"
	body      = 43
	sum       = 6
	secretLen = len(prefix) + body + sum
	hintLen   = len(prefix) + 5

	digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// NewSecret makes a secret, to be shown once, and what is stored of it.
func NewSecret() (plain string, stored store.Secret) {
	var random [32]byte
	rand.Read(random[:])
	head := prefix + base62(new(big.Int).SetBytes(random[:]), body)
	plain = head + checksum(head)
	return plain, store.Secret{Digest: Digest(plain), Hint: plain[:hintLen]}
}

// Digest is what is stored and compared of a secret. A plain SHA-256 is enough: there is nothing
// to guess in 256 random bits, so a slow hash would slow down nobody but the router.
func Digest(plain string) store.Digest {
	var onStack [2 * secretLen]byte // a conversion would allocate
	return sha256.Sum256(append(onStack[:0], plain...))
}

// WellFormed reports whether a string has the form and the checksum of a secret that NewSecret
// makes. It says nothing about whether a key has it.
func WellFormed(s string) bool {
	if len(s) != secretLen || !strings.HasPrefix(s, prefix) {
		return false
	}
	for _, c := range []byte(s[len(prefix):]) {
		if strings.IndexByte(digits, c) < 0 {
			return false
		}
	}
	head := s[:secretLen-sum]
	return s[secretLen-sum:] == checksum(head)
}

func checksum(head string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(head)))), sum)
}

// base62 writes a number with so many digits, the highest first.
func base62(n *big.Int, width int) string {
	out := make([]byte, width)
	base, rest := big.NewInt(int64(len(digits))), new(big.Int)
	for i := width - 1; i >= 0; i-- {
		n.QuoRem(n, base, rest)
		out[i] = digits[rest.Int64()]
	}
	return string(out)
}
