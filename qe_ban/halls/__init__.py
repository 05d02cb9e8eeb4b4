"""District sub-halls (分厅): their screens, local apps, places, and what residents keep of them."""
