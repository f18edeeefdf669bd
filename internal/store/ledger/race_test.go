//go:build race

package ledger

// defaultCrashes are fewer where each process takes several times as long.
const defaultCrashes = 50
