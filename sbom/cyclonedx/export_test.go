package cyclonedx

// Skims reports whether a document is read in the fast way.
func (k *Skimmer) Skims(text string) bool { return k.skim(text) }
