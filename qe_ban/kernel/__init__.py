"""What every layer may know: errors, time, ids, who is calling, the city. Pure: no input, no output."""
