package store

import "database/sql"

// Reader is what a store reads by.
func (s *Store) Reader() *sql.DB { return s.reader }
