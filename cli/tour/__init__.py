"""The guided tour: its data, its steps and how they are shown."""
