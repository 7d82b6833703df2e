package main

func vendorImages() []probe     { return nil }
func innocentBuilt() []probe    { return nil }
func innocentTexts() []probe    { return nil }
func innocentPackages() []probe { return nil }
