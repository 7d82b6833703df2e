// Package format tells where programs end by their own account.
package format
