TITLE Potassium leak, as in the neurons of Newton et al. 2018 (ModelDB 238892)

NEURON {
    THREADSAFE
    SUFFIX kleak
    USEION k READ ek WRITE ik
    RANGE g
}

UNITS {
    (mA) = (milliamp)
    (mV) = (millivolt)
    (S) = (siemens)
}

PARAMETER {
    g = 1e-4 (S/cm2)
}

ASSIGNED {
    v (mV)
    ek (mV)
    ik (mA/cm2)
}

BREAKPOINT {
    CONDUCTANCE g USEION k
    ik = g * (v - ek)
}
