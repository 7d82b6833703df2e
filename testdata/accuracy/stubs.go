package main

func vendorSigned() []probe     { return nil }
func vendorResources() []probe  { return nil }
func vendorApple() []probe      { return nil }
func vendorJava() []probe       { return nil }
func vendorPackages() []probe   { return nil }
func vendorNested() []probe     { return nil }
func vendorLayouts() []probe    { return nil }
func vendorImages() []probe     { return nil }
func innocentBuilt() []probe    { return nil }
func innocentTexts() []probe    { return nil }
func innocentPackages() []probe { return nil }
