package main

func innocentBuilt() []probe    { return nil }
func innocentTexts() []probe    { return nil }
func innocentPackages() []probe { return nil }
