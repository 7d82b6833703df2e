package cyclonedx

// Skims reports whether a document is read in the fast way.
func (k *Skimmer) Skims(text string) bool { return k.skim(text) }

// Recalled is how many components were not read again.
func (k *Skimmer) Recalled() int { return k.memory.recalled }
