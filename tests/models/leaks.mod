TITLE Calcium and chloride leaks: currents of charge +2 and -1

NEURON {
    THREADSAFE
    SUFFIX leaks
    USEION ca READ eca WRITE ica VALENCE 2
    USEION cl READ ecl WRITE icl VALENCE -1
    RANGE gca, gcl
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S) = (siemens)
}

PARAMETER {
    gca = 1e-5 (S/cm2)
    gcl = 1e-4 (S/cm2)
}

ASSIGNED {
    v (mV)
    eca (mV)
    ecl (mV)
    ica (mA/cm2)
    icl (mA/cm2)
}

BREAKPOINT {
    ica = gca * (v - eca)
    icl = gcl * (v - ecl)
}
